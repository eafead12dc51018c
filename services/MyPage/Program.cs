using SecondhandTrade.MyPages;
using SecondhandTrade.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults("mypage", "mypages", MyPageJson.Default);
builder.Services.AddSingleton<ProjectionLag>().AddSingleton<MyPages>();

var app = builder.Build();
app.UseServiceDefaults();
app.MapMyPages();
app.MapMyPageEvents();
app.Run();
