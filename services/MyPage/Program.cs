using SecondhandTrade.MyPages;
using SecondhandTrade.Platform;

var builder = WebApplication.CreateBuilder(args);
builder.AddTown("mypage", "mypages", MyPageJson.Default);
builder.Services.AddSingleton<LagBoard>().AddSingleton<MyPages>();

var app = builder.Build();
app.UseTown();
app.MapMyPages();
app.MapMyPageEvents();
app.Run();
