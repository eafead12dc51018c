using SecondhandTrade.Notifications;
using SecondhandTrade.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddTown("notification", "notices", NotificationJson.Default);
builder.Services.AddSingleton<NoticeStream>().AddSingleton<NoticeDesk>().AddSingleton<DeadLetters>();
builder.Services.AddSingleton(services => new WakeHandler(NoticeDesk.WakeKind, services.GetRequiredService<NoticeDesk>().Wake));

var app = builder.Build();
app.UseWholeDeadLetters();
app.UseTown();
app.MapNotices();
app.MapNoticeEvents();
app.MapDeadLetters();
app.Run();
